@NullMarked
package io.lingen.diffusion.internal.sampler;

import org.jspecify.annotations.NullMarked;
