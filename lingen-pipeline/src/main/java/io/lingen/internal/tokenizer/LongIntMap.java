package io.lingen.internal.tokenizer;

import java.util.Arrays;
import java.util.SplittableRandom;

/** A hash map from non-negative longs to ints, with open addressing. A random seed prevents files with deliberate collisions. */
final class LongIntMap {
    /** The value of a missing key. */
    static final int NONE = -1;

    private static final int INITIAL_CAPACITY = 64;
    private static final long FREE = -1;

    private final long seed = new SplittableRandom().nextLong();
    private long[] keys = freeKeys(INITIAL_CAPACITY);
    private int[] values = new int[INITIAL_CAPACITY];
    private int size;

    int get(long key) {
        int slot = slot(key);
        return keys[slot] == FREE ? NONE : values[slot];
    }

    /** Sets a value and returns the previous one, or {@link #NONE} if there was none. */
    int put(long key, int value) {
        int slot = slot(key);
        if (keys[slot] != FREE) {
            int previous = values[slot];
            values[slot] = value;
            return previous;
        }
        keys[slot] = key;
        values[slot] = value;
        size++;
        if (size > keys.length / 2) {
            grow();
        }
        return NONE;
    }

    private void grow() {
        long[] oldKeys = keys;
        int[] oldValues = values;
        keys = freeKeys(2 * oldKeys.length);
        values = new int[keys.length];
        for (int i = 0; i < oldKeys.length; i++) {
            if (oldKeys[i] != FREE) {
                int slot = slot(oldKeys[i]);
                keys[slot] = oldKeys[i];
                values[slot] = oldValues[i];
            }
        }
    }

    /** The slot of a key, or the free slot for it. */
    private int slot(long key) {
        int mask = keys.length - 1;
        int slot = (int) mix(key ^ seed) & mask;
        while (keys[slot] != FREE && keys[slot] != key) {
            slot = slot + 1 & mask;
        }
        return slot;
    }

    /** The finalizer of MurmurHash3. */
    private static long mix(long key) {
        long hash = (key ^ key >>> 33) * 0xFF51AFD7ED558CCDL;
        hash = (hash ^ hash >>> 33) * 0xC4CEB9FE1A85EC53L;
        return hash ^ hash >>> 33;
    }

    private static long[] freeKeys(int capacity) {
        long[] keys = new long[capacity];
        Arrays.fill(keys, FREE);
        return keys;
    }
}
