package main

import (
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/ast/astutil"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
)

// holes are where the user's text names what is declared nowhere. That was said, and `_` stands there instead, which
// nothing contradicts: one such name hides nothing else that is wrong.
type holes struct {
	at map[ast.Node]bool
	// paths of values of which nothing is known but that they are there.
	paths map[string]bool
}

func newHoles() *holes { return &holes{at: map[ast.Node]bool{}, paths: map[string]bool{}} }

func (h *holes) any() bool { return len(h.at) > 0 }

// mostPasses bounds how often the files are compiled anew; CUE names all unknown references of one pass at once.
const mostPasses = 8

// dropImports takes away every import that is not known, and says so of each; what refers to it is no second mistake.
func (e *evaluation) dropImports() {
	dropped := map[ast.Node]bool{}
	for _, file := range e.files {
		for _, declaration := range file.Decls {
			imports, ok := declaration.(*ast.ImportDecl)
			if !ok {
				continue
			}
			kept := []*ast.ImportSpec{}
			for _, spec := range imports.Specs {
				wanted := strings.Trim(spec.Path.Value, `"`)
				if e.isPackage(wanted) {
					kept = append(kept, spec)
					continue
				}
				dropped[spec] = true
				e.add(Issue{Kind: "import", Place: e.sources.place(spec.Path.Pos()), Name: wanted, Options: []string{importPath}})
			}
			imports.Specs = kept
		}
	}
	e.dig(func(name *ast.Ident) bool { return name.Node != nil && dropped[name.Node] }, false)
}

// isPackage: the schema's, or one of CUE itself; the loader knows no others.
func (e *evaluation) isPackage(wanted string) bool {
	if wanted == importPath {
		return true
	}
	file, err := parser.ParseFile("", "package p\nimport x \""+wanted+"\"\ny: x.y")
	if err != nil {
		return false
	}
	none := func(token.Pos, string) *build.Instance { return nil }
	instance := build.NewContext(build.Loader(none)).NewInstance("", none)
	if instance.AddSyntax(file) != nil || instance.Complete() != nil {
		return false
	}
	e.context.BuildInstance(instance)
	for _, each := range errors.Errors(instance.Err) {
		if format, _ := each.Msg(); strings.HasPrefix(format, "builtin package ") || strings.HasPrefix(format, "import ") {
			return false
		}
	}
	return true
}

// fill makes a hole of every reference that leads nowhere; false when there was none. That nothing refers to a `let` any
// more follows from that.
func (e *evaluation) fill(err error) bool {
	lost, idle := map[token.Position]bool{}, map[token.Position]bool{}
	for _, each := range errors.Errors(err) {
		format, _ := each.Msg()
		switch {
		case strings.HasPrefix(format, "reference "):
			lost[each.Position().Position()] = true
		case strings.HasPrefix(format, "unreferenced "):
			idle[each.Position().Position()] = true
		}
	}
	if len(lost) == 0 && !(e.holes.any() && len(idle) > 0) {
		return false
	}
	found := e.dig(func(name *ast.Ident) bool { return lost[name.Pos().Position()] }, true)
	for _, file := range e.files {
		astutil.Apply(file, func(cursor astutil.Cursor) bool {
			if clause, ok := cursor.Node().(*ast.LetClause); ok && idle[clause.Pos().Position()] {
				switch cursor.Parent().Node().(type) {
				case *ast.File, *ast.StructLit:
					cursor.Delete()
					found = true
				}
				return false
			}
			return true
		}, nil)
	}
	return found
}

// dig makes holes where names stand that lead nowhere, and says so of each unless that was said.
func (e *evaluation) dig(isLost func(*ast.Ident) bool, say bool) bool {
	found := false
	for _, file := range e.files {
		finder := &finder{evaluation: e, file: file, isLost: isLost, say: say, replace: map[ast.Node]ast.Expr{}}
		ast.Walk(file, finder.enter, finder.leave)
		found = found || len(finder.replace) > 0
		astutil.Apply(file, func(cursor astutil.Cursor) bool {
			if instead, ok := finder.replace[cursor.Node()]; ok {
				cursor.Replace(instead)
				return false
			}
			return true
		}, nil)
	}
	return found
}

// finder looks for names that lead nowhere, and for what is to stand there instead.
type finder struct {
	*evaluation
	file    *ast.File
	isLost  func(*ast.Ident) bool
	say     bool
	above   []ast.Node
	replace map[ast.Node]ast.Expr
}

func (f *finder) enter(node ast.Node) bool {
	if name, ok := node.(*ast.Ident); ok && f.isLost(name) {
		f.hole(name)
	}
	f.above = append(f.above, node)
	return true
}

func (f *finder) leave(ast.Node) { f.above = f.above[:len(f.above)-1] }

// hole replaces the whole of the expression that needs the name: `"\(_budgt)ms"` as well as `_budgt`. What it is unified
// with stays, since that is judged by itself.
func (f *finder) hole(name *ast.Ident) {
	var whole ast.Expr = name
	depth := len(f.above) - 1
	for ; depth >= 0; depth-- {
		above, ok := f.above[depth].(ast.Expr)
		if !ok || isStruct(above) || isUnification(above) {
			break
		}
		whole = above
	}
	if f.say {
		f.add(Issue{
			Kind: "reference", Path: f.path(), Place: f.sources.place(name.Pos()), Name: name.Name, Options: f.names(),
		})
	}
	var instead ast.Expr = &ast.Ident{NamePos: whole.Pos(), Name: "_"}
	if depth >= 0 {
		switch f.above[depth].(type) {
		case *ast.ForClause:
			instead = ast.NewList()
		case *ast.IfClause:
			instead = ast.NewBool(false)
		}
	}
	f.holes.at[instead] = true
	f.replace[whole] = instead
}

func isStruct(expr ast.Expr) bool {
	switch expr.(type) {
	case *ast.StructLit, *ast.ListLit:
		return true
	}
	return false
}

func isUnification(expr ast.Expr) bool {
	binary, ok := expr.(*ast.BinaryExpr)
	return ok && binary.Op == token.AND
}

// path is that of the field in which the name stands, as far as it can be told.
func (f *finder) path() string {
	at := ""
	for _, each := range f.above {
		if field, ok := each.(*ast.Field); ok {
			name, ok := labelOf(field.Label)
			if !ok {
				return ""
			}
			at = join(at, name)
		}
	}
	return at
}

// names are those that can be said at this place.
func (f *finder) names() []string {
	names := map[string]bool{}
	take := func(list []ast.Decl, mayLet bool) {
		for _, each := range list {
			switch declaration := each.(type) {
			case *ast.Field:
				if name, ok := declaration.Label.(*ast.Ident); ok {
					names[name.Name] = true
				}
			case *ast.LetClause:
				if mayLet {
					names[declaration.Ident.Name] = true
				}
			}
		}
	}
	for _, file := range f.files {
		take(file.Decls, file == f.file)
	}
	for _, each := range f.above {
		switch scope := each.(type) {
		case *ast.StructLit:
			take(scope.Elts, true)
		case *ast.Comprehension:
			for _, clause := range scope.Clauses {
				if loop, ok := clause.(*ast.ForClause); ok {
					for _, variable := range []*ast.Ident{loop.Key, loop.Value} {
						if variable != nil {
							names[variable.Name] = true
						}
					}
				}
			}
		}
	}
	return sortedKeys(names)
}
