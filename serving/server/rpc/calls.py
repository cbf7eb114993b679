"""gRPC's calls: how long they may be without their message, and what they may leave unread.

gRPC itself waits for a message as long as a client likes, and the calls that wait take the places of others. Here a
call takes a place when its message is there. Where too many wait, those go first that one connection has most of.
"""

import asyncio
from collections import Counter
from typing import NamedTuple

import grpc


class _Waiting(NamedTuple):
    """A call whose message is not here yet."""

    since: float
    context: grpc.aio.ServicerContext


class _Unread(NamedTuple):
    """An answer that gRPC has, and its client has not fetched yet."""

    since: float
    size: int


class CallLimits:
    """Keep account of calls. It belongs to one event loop.

    Args:
        patience: seconds in which a message must be here, and an answer be fetched.
        most: calls that may be without their message, and as many that may be answered, at once.
        most_unread: bytes of answers that may wait for their clients.
    """

    def __init__(self, *, patience, most, most_unread):
        self._patience, self._most, self._most_unread = patience, most, most_unread
        self._waiting = {}  # {asyncio.Timeout: _Waiting}, the oldest first
        self._reasons = {}  # {asyncio.Timeout: (code, message)} of those that are ended
        self._unread = {}  # {context: _Unread}, the oldest first
        self._unread_bytes = 0
        self._answered = 0  # calls whose message is here and whose answer is not
        self._next_look = None  # when it is

    async def message(self, context):
        """Wait for the message of a call, and end the call where it does not come.

        Returns:
            what the call's deserializer made of it.
        """
        await self._check_place(context)
        loop, ended = asyncio.get_running_loop(), None
        try:
            async with asyncio.timeout(None) as wait:
                self._waiting[wait] = _Waiting(loop.time(), context)
                if len(self._waiting) > self._most:
                    self._end_surplus(loop)
                if self._next_look is None:
                    self._look_later(loop)
                message = await context.read()
        except TimeoutError:
            ended = self._reasons.pop(wait)
        finally:
            self._waiting.pop(wait, None)
        if ended:
            await context.abort(*ended)
        if message is grpc.aio.EOF:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "The call ended without a message")
        return message

    async def answer(self, respond, request, context):
        """Answer a call whose message is here: `respond(request, context)`, in one of `most` places."""
        await self._check_place(context)  # anew: a message may have taken its time
        self._answered += 1
        try:
            return await respond(request, context)
        finally:
            self._answered -= 1

    def written(self, data, context):
        """Note the answer of a call, which waits for its client from now on."""
        self._unread[context] = _Unread(asyncio.get_running_loop().time(), len(data))
        self._unread_bytes += len(data)
        context.add_done_callback(self._fetched)

    def _fetched(self, context):
        if (answer := self._unread.pop(context, None)) is not None:
            self._unread_bytes -= answer.size

    async def _check_place(self, context):
        """Refuse a call where too many are answered already, or where its connection does not fetch its answers."""
        if self._answered >= self._most:
            await context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED, f"{self._most} calls are answered already. Try again later."
            )
        if self._unread and context.peer() in self._deaf():
            await context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED, "Answers wait on this connection, and nobody fetches them."
            )

    def _deaf(self):
        """Find the connections that fetch no answers; where too much waits, all on which an answer waits."""
        if self._unread_bytes > self._most_unread:
            return {context.peer() for context in self._unread}
        latest, deaf = asyncio.get_running_loop().time() - self._patience, set()
        for context, answer in self._unread.items():
            if answer.since > latest:
                break
            deaf.add(context.peer())
        return deaf

    def _end_surplus(self, loop):
        """End a tenth of the calls that wait: of the connection with most of them the oldest, and so on."""
        peers = {wait: waiting.context.peer() for wait, waiting in self._waiting.items() if wait not in self._reasons}
        counts = Counter(peers.values())
        fair = max(1, self._most // len(counts)) if counts else 1
        reason = grpc.StatusCode.RESOURCE_EXHAUSTED, "Too many calls wait for their message. Try again later."
        oldest = [wait for wait in peers if counts[peers[wait]] > fair] or list(peers)
        for wait in oldest[: max(1, self._most // 10)]:
            self._end(wait, reason, loop)

    def _end(self, wait, reason, loop):
        self._reasons[wait] = reason
        wait.reschedule(loop.time())

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
            for wait, waiting in list(self._waiting.items()):
                if now - waiting.since <= self._patience:
                    break
                if wait not in self._reasons:
                    self._end(wait, reason, loop)
        self._next_look = None
        if self._waiting:
            self._look_later(loop)
