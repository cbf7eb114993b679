"""gRPC's calls: how long they may be without their message, and what they may leave unread.

gRPC itself waits for a message as long as a client likes, and the calls that wait take the places of others. Here a
call takes a place when its message is there. Where too many wait, those go first that one connection has most of.
"""

import asyncio
from collections import Counter
from itertools import takewhile

import grpc

from .traffic import traffic

SLOWEST = 4096  # bytes a second that a connection carries for each call that it is slow with


class Call:
    """One call, from its own handler on.

    Args:
        context: `grpc.aio.ServicerContext`. Nobody but its handler may ask it for anything: once gRPC has let the call
            go, that ends the process with a segmentation fault.
    """

    def __init__(self, context):
        self.context = context
        self.peer = context.peer()  # its connection
        self.since = 0.0  # seconds: when the wait began for its message, later for its client to fetch the answer
        self.size = 0  # bytes of the answer
        self.seen = None  # (seconds, bytes that its connection had carried) when a look found it waiting for a while
        self.wait = None  # `asyncio.Timeout` of the wait for its message
        self.due = 0.0  # seconds: when its connection must have carried enough
        self.is_late = False  # its client does not fetch the answer
        self.ended = None  # (code, message) once that wait is over without one


class CallLimits:
    """Keep account of calls. It belongs to one event loop.

    Args:
        patience: seconds in which a message must be here, and an answer be fetched. Where the system tells how much a
            connection carries, that may take longer while it carries `SLOWEST` for each such call.
        most: calls that may be without their message, and as many that may be answered, at once.
        most_unread: bytes of answers that may wait for their clients.
    """

    def __init__(self, *, patience, most, most_unread):
        self._patience, self._most, self._most_unread = patience, most, most_unread
        self._waiting = {}  # {call: None} whose message is not here, the oldest first
        self._unread = {}  # {call: None} whose answer gRPC has and its client has not, the oldest first
        self._unread_bytes = 0
        self._answered = 0  # calls whose message is here and whose answer is not
        self._next_look = None  # when it is

    async def message(self, call):
        """Wait for the message of a call, and end the call where it does not come.

        Returns:
            what the call's deserializer made of it.
        """
        await self._check_place(call)
        loop, message = asyncio.get_running_loop(), None
        try:
            async with asyncio.timeout(None) as call.wait:
                call.since = loop.time()
                self._waiting[call] = None
                if len(self._waiting) > self._most:
                    self._end_surplus(loop)
                self._look_later(loop)
                message = await call.context.read()
        except TimeoutError:
            await call.context.abort(*call.ended)
        finally:
            self._waiting.pop(call, None)
        if message is grpc.aio.EOF:
            await call.context.abort(grpc.StatusCode.INVALID_ARGUMENT, "The call ended without a message")
        return message

    async def answer(self, respond, request, call):
        """Answer a call whose message is here: `respond(request, context)`, in one of `most` places."""
        await self._check_place(call)  # anew: a message may have taken its time
        self._answered += 1
        try:
            return await respond(request, call.context)
        finally:
            self._answered -= 1

    def written(self, data, call):
        """Note the answer of a call, which waits for its client from now on."""
        loop = asyncio.get_running_loop()
        call.since, call.size, call.seen = loop.time(), len(data), None
        self._unread[call] = None
        self._unread_bytes += call.size
        self._look_later(loop)
        call.context.add_done_callback(lambda _: self._fetched(call))

    def _fetched(self, call):
        del self._unread[call]
        self._unread_bytes -= call.size

    async def _check_place(self, call):
        """Refuse a call where too many are answered already, or where its connection does not fetch its answers."""
        if self._answered >= self._most:
            await call.context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED, f"{self._most} calls are answered already. Try again later."
            )
        if self._unread and call.peer in self._deaf():
            await call.context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED, "Answers wait on this connection, and nobody fetches them."
            )

    def _deaf(self):
        """Find the connections that fetch no answers; where too much waits, all on which an answer waits."""
        if self._unread_bytes > self._most_unread:
            return {call.peer for call in self._unread}
        return {call.peer for call in self._unread if call.is_late}

    def _end_surplus(self, loop):
        """End a tenth of the calls that wait: of the connection with most of them the oldest, and so on."""
        waiting = [call for call in self._waiting if not call.ended]
        counts = Counter(call.peer for call in waiting)
        fair = max(1, self._most // max(1, len(counts)))
        reason = grpc.StatusCode.RESOURCE_EXHAUSTED, "Too many calls wait for their message. Try again later."
        for call in ([call for call in waiting if counts[call.peer] > fair] or waiting)[: max(1, self._most // 10)]:
            self._end(call, reason, loop)

    def _end(self, call, reason, loop):
        call.ended = reason
        call.wait.reschedule(loop.time())

    def _look_later(self, loop):
        if self._next_look is None and (self._waiting or self._unread):
            pause = min(1.0, self._patience / 4)
            self._next_look = loop.time() + pause
            loop.call_later(pause, self._look, loop)

    def _look(self, loop):
        """End the calls that are too slow, again and again while there are any; note whose answers are not fetched."""
        now = loop.time()
        reason = (
            grpc.StatusCode.DEADLINE_EXCEEDED,
            f"The message did not come within {self._patience:g} s (fcn-serve --client_timeout_seconds)",
        )
        if now - self._next_look < 1:  # or it was this process that was slow, and what they sent lies unread
            for call in self._late(self._waiting, now, lambda bytes_of: bytes_of.received):
                if not call.ended:
                    self._end(call, reason, loop)
            late = set(self._late(self._unread, now, lambda bytes_of: bytes_of.acknowledged))
            for call in self._unread:
                call.is_late = call in late
        self._next_look = None
        self._look_later(loop)

    def _late(self, calls, now, carried):
        """Return the calls that waited for `patience`, on connections that carried too little for them meanwhile."""
        waiting = list(takewhile(lambda call: now - call.since > self._patience / 4, calls))
        counts = Counter(call.peer for call in waiting)
        found = {peer: carried(bytes_of) for peer, bytes_of in traffic(set(counts)).items()}
        return [call for call in waiting if self._is_late(call, now, found.get(call.peer), counts[call.peer])]

    def _is_late(self, call, now, carried, count):
        if carried is None:
            return now > call.since + self._patience
        if call.seen is None:
            call.due, call.seen = call.since + self._patience, (now, carried)
        if now <= call.due:
            return False
        since, before = call.seen
        if carried - before < SLOWEST * count * (now - since):
            return True
        call.due, call.seen = now + self._patience, (now, carried)
        return False
