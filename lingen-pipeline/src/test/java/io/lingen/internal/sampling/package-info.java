@NullMarked
package io.lingen.internal.sampling;

import org.jspecify.annotations.NullMarked;
