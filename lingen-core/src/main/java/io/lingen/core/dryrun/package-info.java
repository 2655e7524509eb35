/**
 * Dry runs: a model's code on a backend that tracks shapes, memory and operations and computes nothing, to know the cost of a run before
 * it starts.
 */
@NullMarked
@Spi
package io.lingen.core.dryrun;

import io.lingen.core.Spi;
import org.jspecify.annotations.NullMarked;
