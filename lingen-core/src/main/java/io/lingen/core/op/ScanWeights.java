package io.lingen.core.op;

import io.lingen.core.Tensor;

/**
 * The parameters of one direction of a selective scan, all F32.
 *
 * @param convWeight [di + 2Gn, taps]; the last tap is the current token's; channels x, B, C
 * @param convBias [di + 2Gn]
 * @param dtBias [H]
 * @param aLog [H]; A = -exp(aLog)
 * @param d [H], the skip
 */
public record ScanWeights(Tensor convWeight, Tensor convBias, Tensor dtBias, Tensor aLog, Tensor d) {}
