@NullMarked
package io.lingen.core.backend;

import org.jspecify.annotations.NullMarked;
