"""gRPC's calls: how long they may be without their message, and what they may leave unread.

gRPC itself waits for a message as long as a client likes, and the calls that wait take the places of others. Here a
call takes a place when its message is there. Where too many wait, those go first that one connection has most of.
"""

import asyncio
from collections import Counter

import grpc


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
        self.wait = None  # `asyncio.Timeout` of the wait for its message
        self.ended = None  # (code, message) once that wait is over without one


class CallLimits:
    """Keep account of calls. It belongs to one event loop.

    Args:
        patience: seconds in which a message must be here, and an answer be fetched.
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
                if self._next_look is None:
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
        call.since, call.size = asyncio.get_running_loop().time(), len(data)
        self._unread[call] = None
        self._unread_bytes += call.size
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
        latest, deaf = asyncio.get_running_loop().time() - self._patience, set()
        for call in self._unread:
            if call.since > latest:
                break
            deaf.add(call.peer)
        return deaf

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
        pause = min(1.0, self._patience / 4)
        self._next_look = loop.time() + pause
        loop.call_later(pause, self._look, loop)

    def _look(self, loop):
        """End the calls that are too slow, again and again while there are any."""
        now = loop.time()
        reason = (
            grpc.StatusCode.DEADLINE_EXCEEDED,
            f"The message did not come within {self._patience:g} s (fcn-serve --client_timeout_seconds)",
        )
        if now - self._next_look < 1:  # or it was this process that was slow, and what they sent lies unread
            for call in self._waiting:
                if now - call.since <= self._patience:
                    break
                if not call.ended:
                    self._end(call, reason, loop)
        self._next_look = None
        if self._waiting:
            self._look_later(loop)
