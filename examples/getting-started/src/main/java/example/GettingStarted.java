package example;

import io.lingen.Generation;
import io.lingen.TextToVideoPipeline;
import io.lingen.VideoRequest;
import io.lingen.VideoResult;
import io.lingen.diffusion.SamplingStep;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Iterator;

/** Generates a video from a prompt and prints the progress. */
public final class GettingStarted {
    private GettingStarted() {}

    public static void main(String[] args) throws IOException {
        String prompt = args.length > 0 ? args[0] : "a red circle moves to the right over a night sky";
        VideoResult result = generate(prompt, Path.of("out.mp4"));
        System.out.println(result.video() + " took " + result.times().total().toMillis() + " ms");
    }

    static VideoResult generate(String prompt, Path target) throws IOException {
        try (TextToVideoPipeline pipeline = TextToVideoPipeline.load("nano")) {
            VideoRequest request =
                    VideoRequest.builder(prompt).seconds(4).steps(20).seed(7).build();
            try (Generation generation = pipeline.start(request)) {
                for (Iterator<SamplingStep> steps = generation.steps(); steps.hasNext(); ) {
                    SamplingStep step = steps.next();
                    System.out.println("step " + step.index() + " of " + generation.plan().steps());
                }
                return generation.write(target);
            }
        }
    }
}
