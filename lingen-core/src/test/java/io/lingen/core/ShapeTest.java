package io.lingen.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

final class ShapeTest {
    @Test
    void rowsAndLastViewTheShapeAsAMatrix() {
        Shape shape = Shape.of(2, 3, 5);
        assertEquals(3, shape.rank());
        assertEquals(30, shape.elements());
        assertEquals(6, shape.rows());
        assertEquals(5, shape.last());
        assertEquals(Shape.of(7, 3, 5), shape.withFirst(7));
        assertEquals("[2, 3, 5]", shape.toString());
        assertEquals(shape.hashCode(), Shape.of(2, 3, 5).hashCode());
        assertNotEquals(shape, Shape.of(2, 15));
        assertEquals(1, Shape.of().elements());
        assertEquals(1, Shape.of().last());
        assertEquals(0, Shape.of(4, 0).elements());
    }

    @Test
    void sizesAre64Bit() {
        assertEquals(1L << 40, Shape.of(1 << 20, 1 << 20).elements());
        assertThrows(IllegalArgumentException.class, () -> Shape.of(1L << 32, 1L << 31));
        assertThrows(IllegalArgumentException.class, () -> Shape.of(3, -1));
    }

    @Test
    void lengthsAreCopied() {
        long[] lengths = {2, 3};
        Shape shape = Shape.of(lengths);
        lengths[0] = 9;
        shape.toArray()[1] = 9;
        assertEquals(Shape.of(2, 3), shape);
    }
}
