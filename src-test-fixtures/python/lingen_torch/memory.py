"""The C allocator's behavior under large short-lived tensors."""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def keep_freed_memory():
    """Lets glibc's allocator keep what is freed; elsewhere does nothing. To be called before the first large tensor.

    By default every activation is mapped anew and faulted in page by page, which costs an elementwise operation more than its
    arithmetic.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
        libc.mallopt(_M_TOP_PAD, 2**28)
