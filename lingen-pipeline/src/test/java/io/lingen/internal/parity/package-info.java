@NullMarked
package io.lingen.internal.parity;

import org.jspecify.annotations.NullMarked;
