package io.lingen.core.op;

import io.lingen.core.Tensor;

/**
 * The parameters of one direction of a Mamba1 scan, all F32: every channel has a state of its own.
 *
 * @param dtBias [di]
 * @param aLog [di, n]; A = -exp(aLog)
 * @param d [di], the skip
 */
public record DiagonalScanWeights(Tensor dtBias, Tensor aLog, Tensor d) {}
