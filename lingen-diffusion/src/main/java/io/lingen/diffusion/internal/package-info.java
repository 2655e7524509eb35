/** Layers that several families of denoisers share. Not API. */
@NullMarked
package io.lingen.diffusion.internal;

import org.jspecify.annotations.NullMarked;
