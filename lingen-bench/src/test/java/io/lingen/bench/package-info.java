@NullMarked
package io.lingen.bench;

import org.jspecify.annotations.NullMarked;
