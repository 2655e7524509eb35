package io.lingen;

import java.nio.file.Path;

/**
 * A video that was made, with all that it can be made again from.
 *
 * @param video the file
 * @param description the JSON file beside it: plan, pipeline and times
 * @param plan the request and what the model made of it
 * @param encodedPrompt the prompt after the rewriter
 * @param model the model's name
 * @param backend the backend's name
 * @param precision "bf16" or "f32"
 * @param times how long the stages took
 */
public record VideoResult(
        Path video,
        Path description,
        VideoPlan plan,
        String encodedPrompt,
        String model,
        String backend,
        String precision,
        StageTimes times) {}
