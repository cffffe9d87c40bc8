"""Test processes that start together need the same kernels: one compiles, the others load."""

from numba.core import event


class InTurn(event.Listener):
    """Holds a file's lock while this process compiles, or looks for a kernel on the disk."""

    def __init__(self, path):
        import fcntl  # not on Windows

        self.fcntl, self.depth = fcntl, 0
        self.file = open(path, "rb")  # until the process ends

    def on_start(self, _):
        self.depth += 1
        if self.depth == 1:
            self.fcntl.flock(self.file, self.fcntl.LOCK_EX)

    def on_end(self, _):
        self.depth -= 1
        if self.depth == 0:
            self.fcntl.flock(self.file, self.fcntl.LOCK_UN)


def compile_in_turn():
    """From now on, of the processes that called this, one compiles at a time."""
    event.register("numba:compiler_lock", InTurn(__file__))
