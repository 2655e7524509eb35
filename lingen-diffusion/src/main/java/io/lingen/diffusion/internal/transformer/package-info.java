/** The parts that the transformers of published flow models share. */
@NullMarked
package io.lingen.diffusion.internal.transformer;

import org.jspecify.annotations.NullMarked;
