@NullMarked
package io.lingen.core.layer;

import org.jspecify.annotations.NullMarked;
