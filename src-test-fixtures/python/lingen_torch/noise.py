"""Counter-based Gaussian noise: Philox 4x32-10 (Salmon et al. 2011) and Box-Muller, keyed by seed and element index."""

import numpy as np

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (np.uint64(0x9E3779B9), np.uint64(0xBB67AE85))
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)


def philox(counter, key):
    """Ten rounds. counter [4, ...], key [2, ...]: 32-bit values in uint64 arrays -> [4, ...]"""
    c0, c1, c2, c3 = (np.asarray(c, dtype=np.uint64) for c in counter)
    k0, k1 = (np.asarray(k, dtype=np.uint64) for k in key)
    for _ in range(10):
        p0, p1 = _MULTIPLIERS[0] * c0, _MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (p1 >> _SHIFT) ^ c1 ^ k0, p1 & _LOW, (p0 >> _SHIFT) ^ c3 ^ k1, p0 & _LOW
        k0, k1 = (k0 + _WEYL[0]) & _LOW, (k1 + _WEYL[1]) & _LOW
    return np.stack([c0, c1, c2, c3])


def seed_of_step(seed, step):
    """The seed of a step's fresh noise: SplitMix64's output (Steele et al., 2014) after step + 1 steps from the seed."""
    z = (seed + (step + 1) * 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
    return z ^ z >> 31


def normals(seed, start, count):
    """Elements start .. start+count-1 of the noise of a 64-bit seed (negative: two's complement), float32.

    Block i has the counter (i low, i high, 0, 0) and the key (seed low, seed high) and gives elements 4i .. 4i+3.
    """
    blocks = np.arange(start // 4, (start + count + 3) // 4, dtype=np.uint64)
    seed = np.uint64(seed % 2**64)
    zero = np.zeros_like(blocks)
    words = philox([blocks & _LOW, blocks >> _SHIFT, zero, zero], [seed & _LOW, seed >> _SHIFT]).astype(np.float64)
    radius = np.sqrt(-2.0 * np.log((words[0::2] + 1.0) * 2.0**-32))                   # u1 in (0, 1]
    angle = 2.0 * np.pi * (words[1::2] * 2.0**-32)
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)])                # [cos/sin, pair, block]
    values = pairs.transpose(2, 1, 0).reshape(-1).astype(np.float32)
    return values[start % 4:start % 4 + count]
