@NullMarked
package io.lingen.cuda.internal.op.args;

import org.jspecify.annotations.NullMarked;
