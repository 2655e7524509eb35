package io.lingen.core.internal;

/**
 * Counter-based normal noise: Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) keyed by the seed
 * and counted by the element's index, then Box-Muller. The same seed gives the same noise on every backend, for every tile and thread.
 *
 * <p>Block i, with the counter (low half of i, high half of i, 0, 0), gives four words r0..r3 and the elements 4i..4i+3. The first two
 * elements come from (r0, r1), the others from (r2, r3): with u1 = (r0 + 1) / 2^32 and u2 = r1 / 2^32, z0 = sqrt(-2 ln u1) cos(2 pi u2) and
 * z1 = the same with sin.
 */
public final class PhiloxNormal {
    private static final int ROUNDS = 10;
    private static final long M0 = 0xD2511F53L;
    private static final long M1 = 0xCD9E8D57L;
    private static final int W0 = 0x9E3779B9;
    private static final int W1 = 0xBB67AE85;
    private static final double TWO_POW_MINUS_32 = 0x1p-32;

    private PhiloxNormal() {}

    /**
     * {@return the normal number of an element} For ranges of elements, {@link #fill} is faster.
     *
     * @param seed the key
     * @param index of the element
     */
    public static float at(long seed, long index) {
        float[] block = new float[4];
        block(seed, index >>> 2, block, 0);
        return block[(int) (index & 3)];
    }

    /**
     * Fills target[offset .. offset + length) with the noise of the elements from {@code index} on.
     *
     * @param seed the key
     * @param index of the first element, a multiple of 4
     * @param target receives the noise
     * @param offset of the first entry written
     * @param length the number of entries written
     * @throws IllegalArgumentException if the index is not a multiple of 4
     */
    public static void fill(long seed, long index, float[] target, int offset, int length) {
        if ((index & 3) != 0) {
            throw new IllegalArgumentException("first index must be a multiple of 4, found " + index);
        }
        float[] block = new float[4];
        int done = 0;
        for (; done + 4 <= length; done += 4) {
            block(seed, (index + done) >>> 2, target, offset + done);
        }
        if (done < length) {
            block(seed, (index + done) >>> 2, block, 0);
            System.arraycopy(block, 0, target, offset + done, length - done);
        }
    }

    private static void block(long seed, long counter, float[] target, int at) {
        int[] words = {(int) counter, (int) (counter >>> 32), 0, 0};
        philox(words, (int) seed, (int) (seed >>> 32));
        boxMuller(words[0], words[1], target, at);
        boxMuller(words[2], words[3], target, at + 2);
    }

    private static void boxMuller(int first, int second, float[] target, int at) {
        double u1 = (Integer.toUnsignedLong(first) + 1) * TWO_POW_MINUS_32;
        double u2 = Integer.toUnsignedLong(second) * TWO_POW_MINUS_32;
        double radius = Math.sqrt(-2 * Math.log(u1));
        target[at] = (float) (radius * Math.cos(2 * Math.PI * u2));
        target[at + 1] = (float) (radius * Math.sin(2 * Math.PI * u2));
    }

    /** Applies Philox 4x32-10 in place to four counter words, with two key words. */
    static void philox(int[] counter, int key0, int key1) {
        int k0 = key0;
        int k1 = key1;
        for (int round = 0; round < ROUNDS; round++) {
            long product0 = M0 * Integer.toUnsignedLong(counter[0]);
            long product1 = M1 * Integer.toUnsignedLong(counter[2]);
            int c1 = counter[1];
            int c3 = counter[3];
            counter[0] = (int) (product1 >>> 32) ^ c1 ^ k0;
            counter[1] = (int) product1;
            counter[2] = (int) (product0 >>> 32) ^ c3 ^ k1;
            counter[3] = (int) product0;
            k0 += W0;
            k1 += W1;
        }
    }
}
