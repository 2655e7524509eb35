@NullMarked
package io.lingen.internal.t5;

import org.jspecify.annotations.NullMarked;
