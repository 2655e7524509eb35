package io.lingen.core.op;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import org.junit.jupiter.api.Test;

final class PaddingTest {
    @Test
    void samePaddingKeepsTheLengthsWhateverTheKernel() {
        Shape input = Shape.of(3, 5, 6, 2);
        for (int kt = 1; kt <= 4; kt++) {
            for (int kw = 1; kw <= 5; kw++) {
                Dims3 kernel = new Dims3(kt, 2, kw);
                assertEquals(
                        Shape.of(3, 5, 6, 1),
                        convolution(kernel, Dims3.ONE, Padding.same(kernel)).outputOf(input));
            }
        }
        assertEquals(new Padding(1, 1, 0, 0, 1, 2), Padding.same(new Dims3(3, 1, 4)));
    }

    @Test
    void outputsAreThePositionsOfTheKernel() {
        Dims3 kernel = new Dims3(3, 3, 2);
        Shape input = Shape.of(4, 7, 6, 2);
        assertEquals(
                Shape.of(2, 5, 5, 1),
                convolution(kernel, Dims3.ONE, Padding.NONE).outputOf(input));
        assertEquals(
                Shape.of(2, 3, 3, 1),
                convolution(kernel, new Dims3(2, 3, 2), new Padding(2, 0, 1, 1, 0, 1))
                        .outputOf(input));
    }

    @Test
    void sidesAreAxisByAxis() {
        Padding padding = new Padding(1, 2, 3, 4, 5, 6);
        for (int axis = 0; axis < 3; axis++) {
            assertEquals(2 * axis + 1, padding.before(axis));
            assertEquals(2 * axis + 2, padding.after(axis));
        }
    }

    @Test
    void messagesNameTheSides() {
        assertEquals(
                "padding must be at least 0 on every side, found 0+0 x 0+-1 x 0+0",
                message(() -> new Padding(0, 0, 0, -1, 0, 0)));
        assertEquals(
                "padding of a convolution with weight [1, 2, 3, 3, 3] must be shorter than the kernel on every side,"
                        + " found 0+0 x 1+1 x 3+0",
                message(() -> convolution(new Dims3(3, 3, 3), Dims3.ONE, new Padding(0, 0, 1, 1, 3, 0))));
        assertEquals(
                "input of a convolution must be at least as long as the kernel 3x3x3 on every axis, found [2, 4, 4, 2] with"
                        + " padding 0+0 x 1+1 x 1+1",
                message(() -> convolution(new Dims3(3, 3, 3), Dims3.ONE, Padding.same(new Dims3(1, 3, 3)))
                        .outputOf(Shape.of(2, 4, 4, 2))));
    }

    private static String message(Runnable call) {
        return assertThrows(IllegalArgumentException.class, call::run).getMessage();
    }

    private static ConvolutionParameters convolution(Dims3 kernel, Dims3 stride, Padding padding) {
        return new ConvolutionParameters(
                HostTensor.of(new float[2 * (int) kernel.volume()], 1, 2, kernel.t(), kernel.h(), kernel.w()),
                HostTensor.of(new float[1], 1),
                stride,
                padding);
    }
}
