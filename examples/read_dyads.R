# Dyad-years in base R: a logit of the onset of disputes.
#
#   sd-env evaluate bayesian-realist --against balancer --scenario jervis/multipolar --worlds 64 --log 64 --out runs/wars
#   sd-env dyads runs/wars/logs --csv runs/dyads.csv
#   Rscript examples/read_dyads.R runs/dyads.csv
#
# docs/codebook.md says what each column is.

file <- commandArgs(trailingOnly = TRUE)
if (length(file) != 1 || !file.exists(file)) {
  stop("give the CSV that sd-env dyads wrote, as in: Rscript examples/read_dyads.R runs/dyads.csv", call. = FALSE)
}
d <- read.csv(file, stringsAsFactors = TRUE)

# A dispute can begin only where there was none on the turn before. (To drop the turns on which one goes on, and to keep
# that on which it has ended, would choose rows by their outcome.)
chance <- subset(d, peaceyrs > 0 | year == 1)
begun <- sum(chance$init1)
cat(begun, "of", nrow(chance), "rows in which a dispute could begin have one that state 1 began.\n")
if (begun == 0) stop("nobody began a dispute in these data, so that there is nothing to explain.", call. = FALSE)

# What is the same in every row, such as reach where all can reach all, explains nothing.
varies <- function(names) names[sapply(chance[names], function(column) length(unique(column)) > 1)]

# As an observer would do it: capabilities, alliance, geography, and years at peace with their square.
has <- varies(c("cinc1", "cinc2", "arms1", "arms2", "allied", "reach1", "peaceyrs"))
square <- if ("peaceyrs" %in% has) "I(peaceyrs^2)"
seen <- glm(reformulate(c(has, square), "init1"), family = binomial, data = chance)
print(summary(seen))

# With what only the maker of the data knows: who wants land, and who has reason to fear.
true <- update(seen, reformulate(c(".", varies(c("revstate1", "fear1"))), "."))
print(summary(true))
print(anova(seen, true, test = "Chisq"))
