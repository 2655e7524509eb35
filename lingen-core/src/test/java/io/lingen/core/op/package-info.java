@NullMarked
package io.lingen.core.op;

import org.jspecify.annotations.NullMarked;
