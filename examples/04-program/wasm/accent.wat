;; thumbnails.v1.Accent: the mean colour of a picture, to be shown while the picture itself is on its way.
;;
;; accent.wasm is made from it:  wat2wasm accent.wat -o accent.wasm   (of https://github.com/WebAssembly/wabt)
;;
;; message Pixels { bytes pixels = 1; }    message Colour { uint32 red = 1; uint32 green = 2; uint32 blue = 3; }

(module
  (memory (export "memory") 1)
  (data (i32.const 16) "no pixels, or not three bytes for each")

  ;; The place of a request and its reply: everything from the second KiB on. 0xffffffff where the memory may not grow so far.
  (func (export "unum_reserve") (param $bytes i32) (result i32)
    (local $pages i32)
    (local.set $pages
      (i32.sub
        (i32.shr_u (i32.add (local.get $bytes) (i32.const 0x103ff)) (i32.const 16))
        (memory.size)))
    (if (i32.gt_s (local.get $pages) (i32.const 0))
      (then
        (if (i32.eq (memory.grow (local.get $pages)) (i32.const -1))
          (then (return (i32.const -1))))))
    (i32.const 1024))

  (func $failed (param $reply i32) (result i32)
    (memory.copy (local.get $reply) (i32.const 16) (i32.const 38))
    (i32.const -39))

  ;; Writes one field of a number below 256; answers with the place after it.
  (func $put (param $to i32) (param $number i32) (param $value i32) (result i32)
    (i32.store8 (local.get $to) (i32.shl (local.get $number) (i32.const 3)))
    (if (i32.lt_u (local.get $value) (i32.const 128))
      (then
        (i32.store8 offset=1 (local.get $to) (local.get $value))
        (return (i32.add (local.get $to) (i32.const 2)))))
    (i32.store8 offset=1 (local.get $to) (i32.or (local.get $value) (i32.const 128)))
    (i32.store8 offset=2 (local.get $to) (i32.const 1))
    (i32.add (local.get $to) (i32.const 3)))

  ;; The sum of every third byte, divided by how many there are, to the nearest.
  (func $mean (param $at i32) (param $end i32) (param $count i64) (result i32)
    (local $sum i64)
    (loop $next
      (local.set $sum (i64.add (local.get $sum) (i64.load8_u (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 3)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
    (i32.wrap_i64
      (i64.div_u
        (i64.add (local.get $sum) (i64.shr_u (local.get $count) (i64.const 1)))
        (local.get $count))))

  (func (export "accent_of") (param $request i32) (param $bytes i32) (param $reply i32) (param $limit i32) (result i32)
    (local $at i32) (local $end i32) (local $length i32) (local $shift i32) (local $byte i32) (local $to i32) (local $count i64)
    (local.set $end (i32.add (local.get $request) (local.get $bytes)))
    ;; Field 1, bytes; then its length, seven bits at a time, lowest first.
    (if (i32.or (i32.lt_u (local.get $bytes) (i32.const 2)) (i32.ne (i32.load8_u (local.get $request)) (i32.const 10)))
      (then (return (call $failed (local.get $reply)))))
    (local.set $at (i32.add (local.get $request) (i32.const 1)))
    (block $read
      (loop $more
        (br_if $read (i32.or (i32.ge_u (local.get $at) (local.get $end)) (i32.gt_u (local.get $shift) (i32.const 28))))
        (local.set $byte (i32.load8_u (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (local.set $length
          (i32.or
            (local.get $length)
            (i32.shl (i32.and (local.get $byte) (i32.const 127)) (local.get $shift))))
        (local.set $shift (i32.add (local.get $shift) (i32.const 7)))
        (br_if $more (i32.ge_u (local.get $byte) (i32.const 128)))))
    (if
      (i32.or
        (i32.ne (i32.add (local.get $at) (local.get $length)) (local.get $end))
        (i32.or (i32.eqz (local.get $length)) (i32.ne (i32.rem_u (local.get $length) (i32.const 3)) (i32.const 0))))
      (then (return (call $failed (local.get $reply)))))
    (local.set $count (i64.extend_i32_u (i32.div_u (local.get $length) (i32.const 3))))
    (local.set $to (call $put (local.get $reply) (i32.const 1) (call $mean (local.get $at) (local.get $end) (local.get $count))))
    (local.set $to
      (call $put (local.get $to) (i32.const 2)
        (call $mean (i32.add (local.get $at) (i32.const 1)) (local.get $end) (local.get $count))))
    (local.set $to
      (call $put (local.get $to) (i32.const 3)
        (call $mean (i32.add (local.get $at) (i32.const 2)) (local.get $end) (local.get $count))))
    (i32.sub (local.get $to) (local.get $reply))))
