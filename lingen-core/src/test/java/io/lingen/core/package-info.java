@NullMarked
package io.lingen.core;

import org.jspecify.annotations.NullMarked;
