package main

import "fmt"

func sprintf(format string, arguments []any) string { return fmt.Sprintf(format, arguments...) }

// before orders issues as a reader meets them: by file, line and column, then by path.
func before(a, b Issue) bool {
	if a.Place != nil && b.Place != nil && *a.Place != *b.Place {
		return placeBefore(*a.Place, *b.Place)
	}
	if (a.Place == nil) != (b.Place == nil) {
		return a.Place != nil
	}
	return a.Path < b.Path
}

func placeBefore(a, b Place) bool {
	if a.File != b.File {
		return a.File < b.File
	}
	if a.Line != b.Line {
		return a.Line < b.Line
	}
	return a.Column < b.Column
}
