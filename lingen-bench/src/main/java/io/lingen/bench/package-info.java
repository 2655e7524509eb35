/**
 * Benchmarks: the denoisers and their parts, the decoder, and Java beside PyTorch on the same weights. docs/benchmarks.md has the
 * commands. Weights are random but of a trained model's scale: time does not depend on their values, and the results' soundness is checked.
 */
@NullMarked
package io.lingen.bench;

import org.jspecify.annotations.NullMarked;
