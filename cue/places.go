package main

import (
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/token"
)

// sources are the user's texts, by file and line, so that columns can be counted in characters.
type sources struct{ lines map[string][]string }

func newSources(files map[string]string) *sources {
	s := &sources{lines: map[string][]string{}}
	for name, text := range files {
		s.lines[name] = strings.Split(text, "\n")
	}
	return s
}

// place is nil for a position that is not in the user's text.
func (s *sources) place(at token.Pos) *Place {
	lines, ours := s.lines[at.Filename()]
	if !ours || !at.IsValid() || at.Line() < 1 || at.Line() > len(lines) {
		return nil
	}
	line := lines[at.Line()-1]
	byteColumn := min(max(at.Column()-1, 0), len(line))
	return &Place{File: at.Filename(), Line: at.Line(), Column: utf8.RuneCountInString(line[:byteColumn]) + 1}
}

// first is where a reader begins: the place of what has no other.
func (s *sources) first() *Place {
	for _, name := range sortedKeys(s.lines) {
		return &Place{File: name, Line: 1, Column: 1}
	}
	return nil
}

// writtenPlaces is where the user wrote what, by path: the value itself (for a struct or a list, its name), and the name.
type writtenPlaces struct {
	values map[string]Place
	names  map[string]Place
	from   *sources
	holes  *holes
}

func readPlaces(files []*ast.File, from *sources, holes *holes) *writtenPlaces {
	written := &writtenPlaces{values: map[string]Place{}, names: map[string]Place{}, from: from, holes: holes}
	for _, file := range files {
		written.declarations(file.Decls, "")
	}
	return written
}

func (w *writtenPlaces) declarations(list []ast.Decl, path string) {
	for _, each := range list {
		switch declaration := each.(type) {
		case *ast.Field:
			if name, ok := labelOf(declaration.Label); ok {
				w.field(join(path, name), declaration)
			}
		case *ast.EmbedDecl:
			w.expression(declaration.Expr, path)
		case *ast.Comprehension:
			w.clauses(declaration.Clauses, path)
			w.expression(declaration.Value, path)
		}
	}
}

// clauses: what a hole would have made fields of is not known.
func (w *writtenPlaces) clauses(list []ast.Clause, path string) {
	for _, each := range list {
		switch clause := each.(type) {
		case *ast.ForClause:
			w.hole(clause.Source, path)
		case *ast.IfClause:
			w.hole(clause.Condition, path)
		}
	}
}

func (w *writtenPlaces) hole(expr ast.Expr, path string) {
	if w.holes.at[expr] && path != "" {
		w.holes.paths[path] = true
	}
}

func (w *writtenPlaces) field(path string, field *ast.Field) {
	w.keep(w.names, path, field.Label.Pos())
	if isComposite(field.Value) {
		w.keep(w.values, path, field.Label.Pos())
	} else {
		w.keep(w.values, path, field.Value.Pos())
	}
	w.expression(field.Value, path)
}

// expression looks into everything whose fields are fields of the value at this path.
func (w *writtenPlaces) expression(expr ast.Expr, path string) {
	w.hole(expr, path)
	switch e := expr.(type) {
	case *ast.StructLit:
		w.declarations(e.Elts, path)
	case *ast.ParenExpr:
		w.expression(e.X, path)
	case *ast.UnaryExpr:
		if e.Op == token.MUL {
			w.expression(e.X, path)
		}
	case *ast.BinaryExpr:
		if e.Op == token.AND || e.Op == token.OR {
			w.expression(e.X, path)
			w.expression(e.Y, path)
		}
	case *ast.ListLit:
		for at, item := range e.Elts {
			if _, computed := item.(*ast.Comprehension); computed {
				return
			}
			w.keep(w.values, join(path, itoa(at)), item.Pos())
			w.expression(item, join(path, itoa(at)))
		}
	}
}

// keep takes the first place: files and declarations come in a fixed order.
func (w *writtenPlaces) keep(in map[string]Place, path string, at token.Pos) {
	if _, there := in[path]; there {
		return
	}
	if place := w.from.place(at); place != nil {
		in[path] = *place
	}
}

// nearest is the place of the path, or of the closest path above it.
func (w *writtenPlaces) nearest(path []string) *Place {
	for length := len(path); length > 0; length-- {
		if place, ok := w.values[strings.Join(path[:length], ".")]; ok {
			return &place
		}
	}
	return nil
}

func isComposite(expr ast.Expr) bool {
	switch e := expr.(type) {
	case *ast.StructLit, *ast.ListLit:
		return true
	case *ast.ParenExpr:
		return isComposite(e.X)
	case *ast.BinaryExpr:
		return (e.Op == token.AND || e.Op == token.OR) && (isComposite(e.X) || isComposite(e.Y))
	}
	return false
}

// labelOf is false for patterns, computed labels, definitions and hidden fields: they are no part of the value.
func labelOf(label ast.Label) (string, bool) {
	switch l := label.(type) {
	case *ast.Ident:
		if strings.HasPrefix(l.Name, "_") || strings.HasPrefix(l.Name, "#") {
			return "", false
		}
		return l.Name, true
	case *ast.BasicLit:
		text, err := literal.Unquote(l.Value)
		return text, err == nil
	case *ast.Alias:
		inner, ok := l.Expr.(ast.Label)
		if !ok {
			return "", false
		}
		return labelOf(inner)
	}
	return "", false
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func itoa(number int) string { return strconv.Itoa(number) }

func sortedKeys[V any](of map[string]V) []string {
	keys := make([]string, 0, len(of))
	for key := range of {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
