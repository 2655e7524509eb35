/**
 * Dry runs: a model's code on a backend that tracks shapes, memory and operations and computes nothing, to know the cost of a run before
 * it starts.
 */
@NullMarked
package io.lingen.core.dryrun;

import org.jspecify.annotations.NullMarked;
