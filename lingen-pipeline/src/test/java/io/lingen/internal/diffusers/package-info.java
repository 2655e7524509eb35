@NullMarked
package io.lingen.internal.diffusers;

import org.jspecify.annotations.NullMarked;
