@NullMarked
package io.lingen.diffusion.internal.latte;

import org.jspecify.annotations.NullMarked;
