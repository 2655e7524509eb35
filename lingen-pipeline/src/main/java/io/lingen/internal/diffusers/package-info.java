/** Configuration files of diffusers that families of models share. */
@NullMarked
package io.lingen.internal.diffusers;

import org.jspecify.annotations.NullMarked;
