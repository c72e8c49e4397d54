"""Work on several threads that an interrupt does not wait for: the servers go down, and with them what the threads talk to."""

import queue
import threading
from collections.abc import Callable, Iterable


def together(act: Callable, jobs: Iterable, workers: int):
    """Do `act(job)` for each job. The first failure is raised once all threads have ended; the others stop at their next job."""
    waiting, failures = queue.SimpleQueue(), []
    for job in jobs:
        waiting.put(job)

    def work():
        while not failures:
            try:
                job = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                act(job)
            except Exception as error:  # Whatever it is, it is raised where the work was asked for.
                failures.append(error)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
