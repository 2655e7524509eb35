/** The benchmarks and comparisons of {@code lingen bench}. */
@NullMarked
package io.lingen.bench.internal;

import org.jspecify.annotations.NullMarked;
