package io.lingen.core.op;

import io.lingen.core.Tensor;

/**
 * The parameters of one direction of a Mamba2 selective scan, all F32.
 *
 * @param convWeight [di + 2Gn, taps], in the channel order x, B, C; the last tap applies to the current token
 * @param convBias [di + 2Gn]
 * @param dtBias [H]
 * @param aLog [H]; A = -exp(aLog)
 * @param d [H], the weight of the skip connection
 */
public record ScanWeights(Tensor convWeight, Tensor convBias, Tensor dtBias, Tensor aLog, Tensor d) {}
