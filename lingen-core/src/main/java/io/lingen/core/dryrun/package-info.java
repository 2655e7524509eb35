/** Dry runs: the cost of a run, measured before it starts by the model's own code on a backend without elements. */
@NullMarked
@Spi
package io.lingen.core.dryrun;

import io.lingen.core.Spi;
import org.jspecify.annotations.NullMarked;
