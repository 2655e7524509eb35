@NullMarked
package io.lingen.core.nd4j;

import org.jspecify.annotations.NullMarked;
