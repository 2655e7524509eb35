package io.lingen.cuda.internal.op.args;

import io.lingen.core.op.Rotation;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/**
 * The cosines and sines of the tokens of a grid as an argument: struct Angles in rotation.cuh.
 *
 * @param tableT the address of the table along time
 * @param tableH the address of the table along height
 * @param tableW the address of the table along width
 * @param headDim the head dimension
 * @param bandT the width of the band along time
 * @param bandH the width of the band along height
 * @param gh the number of rows of the grid
 * @param gw the number of columns of the grid
 */
public record AnglesArguments(long tableT, long tableH, long tableW, int headDim, int bandT, int bandH, int gh, int gw)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(tableT, tableH, tableW).put(headDim, bandT, bandH, gh, gw);
    }

    /**
     * {@return the angles of a rotation as an argument}
     *
     * @param rotation the grid of tokens, and the cosines and sines of its positions
     */
    public static AnglesArguments of(Rotation rotation) {
        return new AnglesArguments(
                PooledTensor.addressOf(rotation.tableT()),
                PooledTensor.addressOf(rotation.tableH()),
                PooledTensor.addressOf(rotation.tableW()),
                rotation.headDim(),
                Math.toIntExact(rotation.tableT().shape().last()),
                Math.toIntExact(rotation.tableH().shape().last()),
                rotation.grid().h(),
                rotation.grid().w());
    }
}
