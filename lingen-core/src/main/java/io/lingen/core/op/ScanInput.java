package io.lingen.core.op;

import io.lingen.core.Tensor;

/**
 * Where one direction of a selective scan finds its inputs: bands of columns of one projected matrix.
 *
 * @param projection [rows, columns], F32 or BF16
 * @param x the first of the inner width's columns
 * @param b the first of the groups' B columns
 * @param c the first of the groups' C columns
 * @param dt the first of the heads' dt columns, before bias and softplus
 */
public record ScanInput(Tensor projection, long x, long b, long c, long dt) {}
