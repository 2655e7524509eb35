package io.lingen.core.op;

import io.lingen.core.Tensor;

/**
 * The parameters of one direction of a Mamba1 scan, all F32. Every channel has its own state.
 *
 * @param dtBias [di]
 * @param aLog [di, n]; A = -exp(aLog)
 * @param d [di], the weight of the skip connection
 */
public record DiagonalScanWeights(Tensor dtBias, Tensor aLog, Tensor d) {}
