# DeLong by pROC, for one table a line: the CSV on standard input holds table, label, a, b.
suppressMessages(library(pROC))
rows <- read.csv(file("stdin"))
for (name in unique(rows$table)) {
  part <- rows[rows$table == name, ]
  a <- roc(part$label, part$a, levels = c(0, 1), direction = "<")
  b <- roc(part$label, part$b, levels = c(0, 1), direction = "<")
  test <- suppressWarnings(roc.test(a, b, paired = TRUE, method = "delong"))
  numbers <- suppressWarnings(c( # of an AUC of 1 pROC says that its variance is 0
    auc(a), auc(b), var(a, method = "delong"), var(b, method = "delong"), cov(a, b, method = "delong"),
    ci.auc(a, method = "delong")[c(1, 3)], test$p.value
  ))
  cat(name, sprintf("%.15g", numbers), sep = ",")
  cat("\n")
}
