@NullMarked
package io.lingen.core.checkpoint;

import org.jspecify.annotations.NullMarked;
