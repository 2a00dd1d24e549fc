package completion

import (
	"fmt"
	"strings"
)

// walk finds, in bash and zsh, the command that stands before the cursor: $verb. Values of flags are no words of it;
// a flag that still waits for its value is $waiting, and $given says that an argument has come already.
const walk = `    for word in "${before[@]}"; do
        if [[ -n $waiting ]]; then
            [[ $word == '=' ]] || waiting=
            continue
        fi
        case "$verb $word" in
            %s) verb="${verb:+$verb }$word" ;;
            %s) waiting=$word ;;
            *' -'*) ;;
            *) given=1 ;;
        esac
    done
`

// bash splits words at "=", so that --lang=ja and --lang ja look alike.
func (t table) bash() string {
	var b strings.Builder
	steps, valued := t.patterns("|")
	fmt.Fprintf(&b, "# bash completion for %[1]s: put this file into ~/.local/share/bash-completion/completions/%[1]s\n_%[1]s() {\n", t.name)
	b.WriteString("    local cur=${COMP_WORDS[COMP_CWORD]} verb= waiting= given= word next= flags=\n    local -a before=(\"${COMP_WORDS[@]:1:COMP_CWORD-1}\")\n")
	fmt.Fprintf(&b, walk, steps, valued)
	b.WriteString("    [[ $cur == '=' ]] && cur=\n    case \"$verb $waiting\" in\n")
	everywhere, here := t.chosen()
	for _, r := range t.rows {
		for _, f := range here[r.path] {
			fmt.Fprintf(&b, "        %s) next=%s given= ;;\n", quoted(r.path+" "+f.text), quoted(strings.Join(f.choices, " ")))
		}
		fmt.Fprintf(&b, "        %s) next=%s flags=%s ;;\n", quoted(r.path+" "), quoted(texts(r.next())), quoted(texts(flagWords(r.flags))))
	}
	for _, f := range everywhere {
		fmt.Fprintf(&b, "        %s) next=%s given= ;;\n", anywhere(f.text), quoted(strings.Join(f.choices, " ")))
	}
	b.WriteString("    esac\n    [[ -n $given ]] && next=\n    [[ $cur == -* ]] && next=$flags\n    COMPREPLY=($(compgen -W \"$next\" -- \"$cur\"))\n}\n")
	fmt.Fprintf(&b, "complete -o default -F _%[1]s %[1]s\n", t.name)
	return b.String()
}

func (t table) zsh() string {
	var b strings.Builder
	steps, valued := t.patterns("|")
	fmt.Fprintf(&b, "#compdef %[1]s\n# zsh completion for %[1]s: put this file as _%[1]s into a folder of $fpath\n_%[1]s() {\n", t.name)
	b.WriteString("    local verb= waiting= given= word\n    local -a before=(\"${(@)words[2,CURRENT-1]}\") next flags\n")
	fmt.Fprintf(&b, walk, steps, valued)
	b.WriteString("    case \"$verb $waiting\" in\n")
	everywhere, here := t.chosen()
	for _, r := range t.rows {
		for _, f := range here[r.path] {
			fmt.Fprintf(&b, "        %s) compadd -- %s; return ;;\n", quoted(r.path+" "+f.text), strings.Join(f.choices, " "))
		}
		fmt.Fprintf(&b, "        %s)\n            next=(%s)\n            flags=(%s) ;;\n", quoted(r.path+" "), described(r.next()), described(flagWords(r.flags)))
	}
	for _, f := range everywhere {
		fmt.Fprintf(&b, "        %s) compadd -- %s; return ;;\n", anywhere(f.text), strings.Join(f.choices, " "))
	}
	b.WriteString("        *) _files; return ;;\n    esac\n    [[ -n $given ]] && next=()\n")
	b.WriteString("    if [[ $PREFIX == -* ]]; then\n        _describe -o option flags\n    elif (( $#next )); then\n        _describe command next\n    else\n        _files\n    fi\n}\n")
	fmt.Fprintf(&b, "if [[ $funcstack[1] == _%[1]s ]]; then\n    _%[1]s \"$@\"\nelse\n    compdef _%[1]s %[1]s\nfi\n", t.name)
	return b.String()
}

// described writes words for _describe of zsh.
func described(words []word) string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = quoted(w.text)
		if w.help != "" {
			list[i] = quoted(w.text + ":" + w.help)
		}
	}
	return strings.Join(list, " ")
}

func (t table) fish() string {
	var b strings.Builder
	steps, valued := t.patterns(" ")
	fmt.Fprintf(&b, "# fish completion for %[1]s: put this file into ~/.config/fish/completions/%[1]s.fish\n", t.name)
	fmt.Fprintf(&b, "function __%s_at\n    set -l verb ''\n    set -l waiting ''\n    set -l given no\n    for word in (commandline -opc)[2..]\n", t.name)
	b.WriteString("        if test -n \"$waiting\"\n            set waiting ''\n            continue\n        end\n        switch \"$verb $word\"\n")
	fmt.Fprintf(&b, "            case %s\n                set verb (string trim -- \"$verb $word\")\n", steps)
	fmt.Fprintf(&b, "            case %s\n                set waiting $word\n            case '* -*'\n            case '*'\n                set given yes\n        end\n    end\n", strings.ReplaceAll(valued, "*'", "'*"))
	b.WriteString("    test \"$verb\" = \"$argv[1]\"; and test \"$given\" = no -o \"$argv[2]\" = any\nend\n")
	for _, r := range t.rows {
		begin := fmt.Sprintf("complete -c %s -n '__%s_at \"%s\"", t.name, t.name, r.path)
		for _, w := range r.next() {
			fmt.Fprintf(&b, "%s' -f -a %s%s\n", begin, w.text, fishHelp(w.help))
		}
		for _, f := range r.flags {
			value := ""
			switch {
			case len(f.choices) > 0:
				value = " -x -a " + quoted(strings.Join(f.choices, " "))
			case f.value:
				value = " -r"
			}
			fmt.Fprintf(&b, "%s any' -l %s%s%s\n", begin, strings.TrimPrefix(f.text, "--"), value, fishHelp(f.help))
		}
	}
	return b.String()
}

func fishHelp(help string) string {
	if help == "" {
		return ""
	}
	return " -d '" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(help) + "'"
}

// powershell takes the words before the cursor from the syntax tree that it is given.
func (t table) powershell() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# PowerShell completion for %[1]s: put these lines into the file that $PROFILE names\n", t.name)
	fmt.Fprintf(&b, "Register-ArgumentCompleter -Native -CommandName %s -ScriptBlock {\n    param($wordToComplete, $commandAst, $cursorPosition)\n", t.name)
	b.WriteString("    $words = @{\n")
	for _, r := range t.rows {
		fmt.Fprintf(&b, "        %s = @(%s)\n", single(r.path+" "), pairs(append(r.next(), flagWords(r.flags)...)))
		for _, f := range r.flags {
			if f.value {
				values := make([]word, len(f.choices))
				for i, c := range f.choices {
					values[i] = word{c, ""}
				}
				fmt.Fprintf(&b, "        %s = @(%s)\n", single(r.path+" "+f.text), pairs(values))
			}
		}
	}
	b.WriteString(`    }
    $verb = ''
    $waiting = ''
    foreach ($element in ($commandAst.CommandElements | Select-Object -Skip 1)) {
        if ($element.Extent.EndOffset -ge $cursorPosition -and $wordToComplete -ne '') { break }
        $word = $element.ToString()
        if ($waiting -ne '') { $waiting = ''; continue }
        if ($word.StartsWith('-')) {
            if ($words.ContainsKey("$verb $word")) { $waiting = $word }
        } elseif ($words.ContainsKey("$verb $word ".TrimStart())) {
            $verb = "$verb $word".Trim()
        }
    }
    foreach ($pair in $words["$verb $waiting"]) {
        if (-not $pair[0].StartsWith($wordToComplete)) { continue }
        if ($pair[0].StartsWith('-') -and -not $wordToComplete.StartsWith('-')) { continue }
        [System.Management.Automation.CompletionResult]::new($pair[0], $pair[0], 'ParameterValue', $pair[1])
    }
}
`)
	return b.String()
}

func single(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// pairs writes words with what is shown beside them; a tool tip must not be empty.
func pairs(words []word) string {
	list := make([]string, len(words))
	for i, w := range words {
		help := w.help
		if help == "" {
			help = w.text
		}
		list[i] = ",@(" + single(w.text) + ", " + single(help) + ")"
	}
	return strings.Join(list, "; ")
}
