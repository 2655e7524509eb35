/**
 * Benchmarks of the denoisers, their components and the decoder, and comparisons with PyTorch on the same weights. The commands are
 * described in docs/benchmarks.md. Weights are random, with the scale of a trained model. Times do not depend on their values. Results are
 * checked to be finite and not zero.
 */
@NullMarked
package io.lingen.bench;

import org.jspecify.annotations.NullMarked;
