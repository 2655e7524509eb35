/** Benchmarks and comparisons behind {@code lingen bench}. */
@NullMarked
package io.lingen.bench.internal;

import org.jspecify.annotations.NullMarked;
