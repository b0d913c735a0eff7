# The mean of each column over ten lines.
{
  for (column = 1; column <= NF; column++) sum[column] += $column
  if (NR % 10 == 0) {
    line = 10
    for (column = 1; column <= NF; column++) { line = line " " sum[column] / 10; sum[column] = 0 }
    print line
    fflush()
  }
}
