"""Long work that tells how far it is: it runs in a thread, and what it tells is said on the kernel's loop."""

import asyncio
import threading
from collections.abc import Callable

Post = Callable[..., object]


def poster() -> Post:
    """A function that has another one called, with arguments, on the loop that is running now, from any thread.

    Without a loop, as in plain Python, it calls it at once.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return lambda action, *arguments: action(*arguments)

    def post(action: Callable[..., object], *arguments: object) -> None:
        if not loop.is_closed():  # the page was closed meanwhile
            loop.call_soon_threadsafe(action, *arguments)

    return post


def in_thread(work: Callable[[Post], object]) -> threading.Thread:
    """Begin `work` in a thread; it gets the function by which it tells the loop. The thread ends with the kernel."""
    thread = threading.Thread(target=work, args=(poster(),), daemon=True)
    thread.start()
    return thread
