"""Read files while the model is at work on those before."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor


def read_ahead(read, items, *, threads=2, ahead=8):
    """Yield `read(item)` of every item, in order, read in `threads` at most `ahead` items early.

    What `read` raises is raised when its item's turn comes.
    """
    pending = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                pending.append(pool.submit(read, item))
                if len(pending) > ahead:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
