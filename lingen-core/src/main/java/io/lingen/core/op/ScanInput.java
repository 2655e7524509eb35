package io.lingen.core.op;

import io.lingen.core.Tensor;

/**
 * The columns of a projected matrix that one direction of a selective scan reads.
 *
 * @param projection [rows, columns], F32 or BF16
 * @param x the first column of x, which has the inner width
 * @param b the first column of B, which has the group width
 * @param c the first column of C, which has the group width
 * @param dt the first column of dt before bias and softplus, one per head
 */
public record ScanInput(Tensor projection, long x, long b, long c, long dt) {}
