package io.lingen.cuda.internal.op;

import io.lingen.core.Tensor;
import io.lingen.core.op.Heads;
import io.lingen.core.op.Rotation;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cuda.internal.SlabAllocator;
import io.lingen.cuda.internal.driver.Device;
import io.lingen.cuda.internal.driver.Launch;
import io.lingen.cuda.internal.op.args.AnglesArguments;
import io.lingen.cuda.internal.op.args.LinearAttentionArguments;

/** Linear attention. */
public final class LinearAttention {
    private static final String SOURCE = "linear_attention";
    /** The number of tokens of a range, which has its own state. */
    private static final int RANGE = 2048;
    /** The number of tokens, and of columns of a head, of a tile. */
    private static final int TILE = 64;
    /** The largest head dimension of the kernels with matrix instructions. Narrow heads would waste most of their work. */
    private static final int MAX_MATRIX_HEAD = 128;
    /** The number of tokens to which a block applies a state. */
    private static final int APPLY_TOKENS = 8 * TILE;
    /** The shared memory of a block that applies a state: the state, a tile of queries, and a factor for each. */
    private static final int APPLY_BYTES =
            (MAX_MATRIX_HEAD + TILE) * MAX_MATRIX_HEAD * Short.BYTES + TILE * Float.BYTES;

    private final Device device;
    private final SlabAllocator memory;

    /**
     * Creates the operations of a device.
     *
     * @param device the device
     * @param memory the allocator of intermediate results
     */
    public LinearAttention(Device device, SlabAllocator memory) {
        this.device = device;
        this.memory = memory;
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#linearAttention}.
     *
     * @param q rotation.grid().cells() queries
     * @param k rotation.grid().cells() keys
     * @param v rotation.grid().cells() values
     * @param rotation the grid of tokens, and the cosines and sines of its positions
     * @param out [rotation.grid().cells(), q.width()]
     */
    public void compute(Heads q, Heads k, Heads v, Rotation rotation, Tensor out) {
        int ranges = Math.toIntExact(Math.ceilDiv(q.tokens(), RANGE));
        long elements = q.width() * (q.headDim() + 1);
        SlabAllocator.Block states = memory.allocate(ranges * elements * Float.BYTES);
        LinearAttentionArguments arguments = new LinearAttentionArguments(
                HeadAddresses.of(q),
                HeadAddresses.of(k),
                HeadAddresses.of(v),
                states.address(),
                PooledTensor.addressOf(out),
                q.tokens(),
                q.matrix().shape().last(),
                k.matrix().shape().last(),
                v.matrix().shape().last(),
                PooledTensor.isBf16(q.matrix()),
                PooledTensor.isBf16(k.matrix()),
                PooledTensor.isBf16(v.matrix()),
                PooledTensor.isBf16(out),
                q.heads(),
                RANGE,
                ranges,
                AnglesArguments.of(rotation));
        boolean matrix = HeadAddresses.areDirect(q)
                && HeadAddresses.areDirect(k)
                && HeadAddresses.areDirect(v)
                && q.headDim() > MAX_MATRIX_HEAD / 2
                && q.headDim() <= MAX_MATRIX_HEAD;
        int tiles = Math.ceilDiv(q.headDim(), TILE);
        device.launch(
                SOURCE,
                matrix ? "linear_attention_states_bf16" : "linear_attention_states",
                new Launch(ranges, q.heads(), matrix ? 1 : Math.multiplyExact(tiles, tiles), 256, 1, 0),
                arguments);
        if (ranges > 1) {
            device.launch(SOURCE, "linear_attention_merge", Launch.of(Math.ceilDiv(elements, 256)), arguments);
        }
        device.launch(
                SOURCE,
                matrix ? "linear_attention_apply_bf16" : "linear_attention_apply",
                matrix
                        ? new Launch(Math.ceilDiv(q.tokens(), APPLY_TOKENS), q.heads(), 1, 256, 1, APPLY_BYTES)
                        : new Launch(Math.ceilDiv(q.tokens(), TILE), q.heads(), tiles, 256, 1, 0),
                arguments);
        memory.release(states);
    }
}
