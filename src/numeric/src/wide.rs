//! Loops for processors with wider registers.

/// Compiles a function twice for x86-64: for every such processor and, with `IS_WIDE`, for those with registers of 256 bits
/// (AVX2); which one is taken is known as it runs. No two steps are fused into one, so the bits are the same.
///
/// What it calls must be `#[inline(always)]` to be compiled twice, too.
#[macro_export]
macro_rules! wide {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)? $body:block) => {
        $(#[$meta])*
        // A browser's first, slow code of a function is in use until the next call: long loops are no part of their callers.
        #[inline(never)]
        $vis fn $name($($arg: $type),*) $(-> $out)? {
            #[inline(always)]
            #[allow(dead_code, clippy::extra_unused_type_parameters, reason = "most do not ask how wide registers are")]
            fn body<const IS_WIDE: bool>($($arg: $type),*) $(-> $out)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                fn with_avx2($($arg: $type),*) $(-> $out)? {
                    body::<true>($($arg),*)
                }
                if std::arch::is_x86_feature_detected!("avx2") {
                    #[allow(unsafe_code, reason = "only where the processor has what the function is compiled for")]
                    // SAFETY: the processor has AVX2.
                    return unsafe { with_avx2($($arg),*) };
                }
            }
            body::<false>($($arg),*)
        }
    };
}
